"""How runs of labs come to be executed: asked for, started as processes of their own, watched, stopped."""
