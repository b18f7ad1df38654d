"""Finding the Terraform provider on a machine."""

import pytest

from workshop.deployment.terraform import provider_mirror
from workshop.deployment.terraform.provider_mirror import Provider

AWS = Provider("registry.example/hashicorp/aws", "5.100.0")
MACHINE = "linux_amd64"


def put_provider(directory, version="5.100.0", machine=MACHINE):
    folder = directory / AWS.address / version / machine
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_v{version}_x5").touch()
    return directory


def find(tmp_path, likely=()):
    return provider_mirror.find_mirror(AWS, MACHINE, likely, [tmp_path])


def test_an_unpacked_provider_is_found_below_a_usual_root(tmp_path):
    mirror = put_provider(tmp_path / "some/tf-plugins")
    assert find(tmp_path) == mirror


def test_a_packed_provider_is_found_too(tmp_path):
    folder = tmp_path / AWS.address
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-aws_5.100.0_{MACHINE}.zip").touch()
    assert find(tmp_path) == tmp_path


def test_a_likely_directory_comes_before_the_search(tmp_path):
    put_provider(tmp_path / "below/somewhere")
    likely = put_provider(tmp_path / "likely")
    assert find(tmp_path, [tmp_path / "missing", likely]) == likely


@pytest.mark.parametrize(("version", "machine"), [("5.99.0", MACHINE), ("5.100.0", "darwin_arm64")])
def test_another_version_or_machine_does_not_count(tmp_path, version, machine):
    put_provider(tmp_path / "plugins", version, machine)
    assert find(tmp_path) is None


def test_the_search_has_a_bottom(tmp_path):
    put_provider(tmp_path.joinpath(*"abcdef"))
    assert find(tmp_path) is None


def test_the_lock_file_names_the_provider():
    provider = provider_mirror.locked_provider()
    assert provider.address.endswith("/hashicorp/aws")
    assert provider.version.startswith("5.")


@pytest.fixture
def machine_with(tmp_path, monkeypatch):
    """Settings for a machine whose only provider, if any, is in the given directory."""
    monkeypatch.setattr(provider_mirror, "locked_provider", lambda: AWS)
    monkeypatch.setattr(provider_mirror, "machine", lambda: MACHINE)
    monkeypatch.setattr(provider_mirror, "CACHE", tmp_path / "cache")

    def settings(root=None, **environ):
        monkeypatch.setattr(provider_mirror, "usual_roots", lambda _: [root] if root else [])
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        environ = {"XDG_DATA_DIRS": str(home), **environ}
        return provider_mirror.settings(environ, home, tmp_path / "state")

    return settings


def test_a_found_provider_is_used_through_a_configuration_of_our_own(machine_with, tmp_path):
    mirror = put_provider(tmp_path / "plugins")
    settings = machine_with(mirror, TF_CLI_CONFIG_FILE=str(tmp_path / "missing"))
    assert settings == {"TF_CLI_CONFIG_FILE": str(tmp_path / "state/terraform.rc")}
    text = (tmp_path / "state/terraform.rc").read_text()
    assert f'path    = "{mirror.as_posix()}"' in text
    assert text.count(AWS.address) == 2


def test_a_configuration_that_does_not_exist_is_not_passed_on(machine_with, tmp_path):
    settings = machine_with(TF_CLI_CONFIG_FILE=str(tmp_path / "missing"))
    assert settings == {"TF_PLUGIN_CACHE_DIR": str(tmp_path / "cache")}


def test_a_users_own_installation_rules_are_left_alone(machine_with, tmp_path):
    mirror = put_provider(tmp_path / "plugins")
    own = tmp_path / "own.tfrc"
    own.write_text("provider_installation {\n}\n")
    settings = machine_with(mirror, TF_CLI_CONFIG_FILE=str(own))
    assert settings == {"TF_CLI_CONFIG_FILE": str(own)}


def test_a_users_own_cache_is_a_place_to_look(machine_with, tmp_path):
    mirror = put_provider(tmp_path / "own-cache")
    own = tmp_path / "own.tfrc"
    own.write_text(f'plugin_cache_dir = "{mirror.as_posix()}"\n')
    settings = machine_with(TF_CLI_CONFIG_FILE=str(own))
    assert settings == {"TF_CLI_CONFIG_FILE": str(tmp_path / "state/terraform.rc")}
