"""Small widgets that every page uses: buttons, pills, fields, banners.

They paint themselves from the theme, take data through setters and send signals. Text from outside is always shown as
plain text.
"""

from desktop_llm.gui.look.widgets.banner import Action, Banner, EmptyState, UndoBar
from desktop_llm.gui.look.widgets.buttons import Button, IconButton, PrimaryButton
from desktop_llm.gui.look.widgets.fields import SearchField, Select
from desktop_llm.gui.look.widgets.labels import ElidedLabel, Label, Picture, Pill, Tag
from desktop_llm.gui.look.widgets.meters import Meter, ProgressBar, Spinner
from desktop_llm.gui.look.widgets.toggles import Segments, Switch, Tick

__all__ = [
    "Action",
    "Banner",
    "Button",
    "ElidedLabel",
    "EmptyState",
    "IconButton",
    "Label",
    "Meter",
    "Picture",
    "Pill",
    "PrimaryButton",
    "ProgressBar",
    "SearchField",
    "Segments",
    "Select",
    "Spinner",
    "Switch",
    "Tag",
    "Tick",
    "UndoBar",
]
