"""The Engine.IO and Socket.IO projects' own server test suites, run against every mode."""
