"""Model of serving.py for `mlflow models serve`: rows as a DataFrame in, a DataFrame out.

python serve_mlflow.py SOURCE FOLDER   save the model from model.onnx and facts.json in SOURCE to FOLDER
"""

import sys
from pathlib import Path

import mlflow
import pandas as pd
from served_graph import ServedGraph


class Forecaster(mlflow.pyfunc.PythonModel):
    """Model that MLflow loads from this file."""

    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.graph = ServedGraph(Path(context.artifacts["folder"]))

    def predict(
        self, context: mlflow.pyfunc.PythonModelContext, model_input: pd.DataFrame, params: dict | None = None
    ) -> pd.DataFrame:
        made = self.graph.forecast(model_input[self.graph.target].tolist())
        times = pd.date_range(model_input[self.graph.time].iloc[-1], periods=len(made) + 1, freq="h")[1:]
        return pd.DataFrame({self.graph.time: times.astype(str), self.graph.target: made})


if __name__ == "__main__":
    code = [str(Path(__file__).with_name("served_graph.py"))]
    mlflow.pyfunc.save_model(
        sys.argv[2], python_model=__file__, artifacts={"folder": sys.argv[1]}, code_paths=code
    )
else:
    mlflow.models.set_model(Forecaster())
