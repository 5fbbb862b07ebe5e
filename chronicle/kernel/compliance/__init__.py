"""Personal data: encrypted under a key for each subject, unreadable once the key is deleted (events.md 13).

plans.py        where content of a schema has personal data
envelopes.py    how an encrypted value looks
ciphers.py      the cryptography
keys.py         the keys of all subjects; key_records.py what is done to them in the database
compliance.py   contents of one namespace, encrypted and released
"""

from chronicle.kernel.compliance.compliance import Compliance, Readable, Stored
from chronicle.kernel.compliance.errors import (
    ComplianceFailed,
    CompliancePropertyNotFoundInSchema,
    EncryptionKeyErased,
    EncryptionKeyErasureIncomplete,
    EncryptionKeyLifecycleIncomplete,
    PersonalDataErased,
)
from chronicle.kernel.compliance.keys import EncryptionKeys
from chronicle.kernel.compliance.plans import Plan, plan_of

__all__ = [
    "Compliance",
    "ComplianceFailed",
    "CompliancePropertyNotFoundInSchema",
    "EncryptionKeyErased",
    "EncryptionKeyErasureIncomplete",
    "EncryptionKeyLifecycleIncomplete",
    "EncryptionKeys",
    "PersonalDataErased",
    "Plan",
    "Readable",
    "Stored",
    "plan_of",
]
