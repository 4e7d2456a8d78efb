"""Networks, one file per model. All have one contract.

    forward(past [B, L, F], future [B, H, K], mask [B, L]) -> [B, H, C]     all scaled
    loss_scale(past, mask) -> [B, 1, C]                                     divisor of the errors in the training loss
    lookback: int                                                           L, steps that the network reads

`past` has the targets first and the known-ahead inputs last. `mask` is 1 for rows of the series and 0 for padding.
Padding is always at the front and does not change the forecast.
"""
