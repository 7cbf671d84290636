"""``python -m bench.schedules``: what scheduling buys.

    python -m bench.schedules --jobs 2            # everything; more than an hour
    python -m bench.schedules --quick --jobs 2    # the shape of it, in minutes
    python -m bench.schedules updates figures     # some of it

An experiment that was interrupted goes on where it stopped.
"""

from bench.schedules.command import main

if __name__ == "__main__":
    main()
