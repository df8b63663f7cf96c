"""The administrator's commands: `risky-users check`, `plan` and `simulate`. None of them writes to the tenant."""
