"""What measures: experiments, the load client, the scenarios and the files they leave."""

__version__ = "0.1.0"
