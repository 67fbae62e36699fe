"""The MCP server: other people's agents read the reviews and propose plays. It decides, sends and approves nothing.

It uses what the desk and the commands use: loaded reviews, the score table and the answers to questions. An import contract
keeps everything that decides, closes, marks or sends away from it; `app.questions` holds its one write, the proposal.
"""
