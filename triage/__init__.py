"""How urgent a message is: normalise, match frames, resolve scope, remember the conversation. No I/O."""
