"""Models on the app's side: found on Hugging Face (`hub`), received (`download`), read and checked (`gguf`), kept on
this disk (`library`), forecast for this machine (`fit`). The engine gets only paths from here.

Front ends come in by `Library`, `Hub`, `Downloads` and `Forecaster`; the rooms behind them are their own.
"""
