"""The pictures of chats. A stranger's picture is only ever opened by a child without rights (`worker`), which makes a
plain, upright copy of bounded size; the app keeps and shows that copy, and the engine reads it.

Front ends and the conversation use `client`.
"""
