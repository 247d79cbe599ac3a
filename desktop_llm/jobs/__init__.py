"""Long jobs in one shape: their subject, their progress, and how they are paused, resumed and cancelled.

Plain Python, without Qt and without threads of its own. Every front end may use it: the window runs jobs in its tasks,
the command line in a loop. Each kind of job uses the room that does its work: models for downloads, knowledge for
reading.
"""
