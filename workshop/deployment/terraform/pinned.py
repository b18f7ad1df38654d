"""The Terraform that is downloaded where none is installed."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """A version of Terraform.

    Attributes:
        version: Such as ``1.11.4``.
        hashes: Platform → SHA-256 of its archive.
    """

    version: str
    hashes: Mapping[str, str]


RELEASE = Release(
    "1.11.4",
    {
        "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
        "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
        "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
        "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
        "windows_amd64": "4e1dc85419dda723f2bb3afdf63a0d282a2de858588d56dd57d2e4e4c4c83f2b",
    },
)
"""What is downloaded. The hashes are those of HashiCorp's terraform_1.11.4_SHA256SUMS, taken from
public package definitions: two that agree for each platform, the Windows package manager's manifest
alone for Windows.
"""
