"""What follows from licences: judgements, acceptance, obligations, changes, lists of what is allowed."""
