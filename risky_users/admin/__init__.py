"""The services an administrator's commands speak to, each with the administrator's own rights."""
