"""Steps: one for each verb. A step reads artifacts of a run, writes artifacts and returns a report.

No step calls another step, and no step prints.

| step | reads | writes |
| --- | --- | --- |
| check | data file | - |
| prepare | data file | data |
| train | data | model, checkpoint |
| tune | data | search, model |
| evaluate | data, model, quantized | scores |
| quantize | data, model | quantized |
| predict | model, quantized, data or new rows | forecast file |
| export | data, model | file for another program |
| verify, config | run.json, artifacts | - |
"""
