"""Small widgets every page uses: buttons, pills, fields, banners.

They paint themselves from the theme, take data through setters and speak through signals. Text that comes from
outside is always shown as plain text.
"""

from desktop_llm.gui.widgets.banner import Action, Banner, EmptyState, UndoBar
from desktop_llm.gui.widgets.buttons import Button, IconButton, PrimaryButton
from desktop_llm.gui.widgets.fields import SearchField, Select
from desktop_llm.gui.widgets.labels import ElidedLabel, Label, Pill, Tag
from desktop_llm.gui.widgets.meters import Meter, ProgressBar, Spinner
from desktop_llm.gui.widgets.toggles import Switch, Tick

__all__ = [
    "Action",
    "Banner",
    "Button",
    "ElidedLabel",
    "EmptyState",
    "IconButton",
    "Label",
    "Meter",
    "Pill",
    "PrimaryButton",
    "ProgressBar",
    "SearchField",
    "Select",
    "Spinner",
    "Switch",
    "Tag",
    "Tick",
    "UndoBar",
]
