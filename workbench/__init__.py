"""ReasonBridge Workbench."""
