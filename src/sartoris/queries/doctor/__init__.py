"""`git deploy doctor`: what is wrong with the set-up of this deployment server.

It looks, and changes nothing. Each module has the checks of one subject.
"""

from sartoris.queries.doctor.examination import Examination, examine

__all__ = ["Examination", "examine"]
