"""Networks: one file a model, one contract.

    forward(past [B, L, F], future [B, H, K], mask [B, L]) -> [B, H, C]     all scaled
    loss_scale(past, mask) -> [B, 1, C]                                     what its training loss divides by
    lookback: int                                                           L, the steps it looks back

`past` holds the targets first and the known-ahead inputs last; `mask` is 1 for rows of the series and 0 for
padding, which only ever stands at the front and changes nothing.
"""
