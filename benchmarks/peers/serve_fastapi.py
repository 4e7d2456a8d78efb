"""Server of serving.py as the tutorials of FastAPI write it: rows checked by pydantic, the model, a list of rows."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from served_graph import ServedGraph

graph = ServedGraph(Path(sys.argv[1]))
app = FastAPI()


class Row(BaseModel):
    """Row of a request."""

    date: datetime
    OT: float


class Step(BaseModel):
    """Row of an answer."""

    date: datetime
    OT: float


@app.get("/")
async def ready() -> str:
    return "ready"


@app.post("/forecast")
async def forecast(rows: list[Row]) -> list[Step]:
    made, last = graph.forecast([row.OT for row in rows]), rows[-1].date
    return [Step(date=last + timedelta(hours=hour + 1), OT=value) for hour, value in enumerate(made)]


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="critical", access_log=False)
