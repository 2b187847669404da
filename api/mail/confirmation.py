"""Knows the mail by which a forwarding provider asks whether mails may be forwarded to this address (転送確認メール).

Until a person has read it and followed its link or entered its code, nothing is forwarded: the very first step. Senders
and words: Gmail's as seen in its own help and in many published mails; the general words are a guess, so they count only
for mails that no mall's reader understands.
"""

from adapters.kit.japanese import label_key
from adapters.kit.mall import MailText

SENDERS = ("forwarding-noreply@google.com",)
# A subject with one word of each group, compared without width, white space and case.
FORWARDING = ("転送", "forwarding")
ASKS = ("確認", "承認", "認証", "confirm", "verif", "approv")


def asks_for_confirmation(mail: MailText) -> bool:
    """Whether the mail asks to confirm that mails are forwarded here. ``subject`` is without Fwd: and the like."""
    if mail.sender in SENDERS:
        return True
    subject = label_key(mail.subject)
    return all(any(label_key(word) in subject for word in group) for group in (FORWARDING, ASKS))
