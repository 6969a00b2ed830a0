"""
Policy → text of artefacts. Pure like `core`; siblings are strangers, all stand on `fragment`.

Every artefact is parsed back and compared with the policy before it is returned.
"""
