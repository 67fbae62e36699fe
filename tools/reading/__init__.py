"""Reading: texts sentence by sentence into statements, by the phrases of ``configs/phrases/``.

Pure. A statement quotes a sentence; nothing in it is ever followed.
"""
