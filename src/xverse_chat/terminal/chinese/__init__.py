"""Every sentence of the layers below, and of the command line, in Chinese: one file for each.

The keys are the English texts, as they stand where they are said. Nothing but data; imported when
somebody speaks Chinese.
"""
