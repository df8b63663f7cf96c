"""What the commands that set up and take down share: an administrator's machine, sign-in, and the services' clients."""
