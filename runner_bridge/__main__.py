"""`python -m runner_bridge` is the same as `runner-bridge`."""

from runner_bridge.cli import main

if __name__ == "__main__":
    main()
