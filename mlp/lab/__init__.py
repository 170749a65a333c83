"""What a person can set up, without the dashboard: experiments, presets, lessons, a planted bug, the quiz."""
