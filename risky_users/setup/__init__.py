"""`setup`, `rotate` and `remove`: what they make, a module a part; `steps` is what all parts are made of."""
