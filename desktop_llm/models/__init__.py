"""Models outside the engine: searched on Hugging Face (`hub`), received (`download`), read and checked (`gguf`), kept
on this disk (`library`), forecast for this machine (`fit`). The engine gets only paths from here.

Front ends use `Library`, `Hub`, `Downloads` and `Forecaster`; the modules behind these are private.
"""
