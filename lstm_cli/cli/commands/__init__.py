"""Commands of `lstm`: the options of each command and the call of its step."""
