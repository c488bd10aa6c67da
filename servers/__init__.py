"""What is measured: one application and several ways to serve it. Imports nothing else of ours."""
