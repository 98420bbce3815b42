#!/bin/sh
# Makes a fresh machine ready: OS packages, then .venv from the hashed lock files.
# Usage: sh app/bootstrap.sh demo|dev     A run that finds everything in place takes well under a second.
set -eu

export PYTHONUTF8=1 UV_PYTHON_DOWNLOADS=never PIP_DISABLE_PIP_VERSION_CHECK=1
# The machine's own certificates, as its administrator keeps them, count for uv as they do for pip.
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
unset PYTHONHOME PYTHONPATH PIP_REQUIRE_VIRTUALENV
PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$checkout"
python=/usr/bin/python3
venv=.venv
stamp=$venv/.diaban-stamp

say() { printf '%s\n  %s\n' "» $1" "$2"; }

fail() {
    printf '\n%s\n%s\n' "✗ $1" "  $2" >&2
    exit 1
}

case "${1:-demo}" in
    demo) kind=demo lock=requirements.lock ;;
    dev) kind=dev lock=requirements-dev.lock ;;
    *) fail "Cách dùng: sh app/bootstrap.sh demo|dev" "Usage: sh app/bootstrap.sh demo|dev" ;;
esac

# ---------------------------------------------------------------- what the machine has

os_id=unknown os_version=''
if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091
    os_id=$(. /etc/os-release && printf '%s' "${ID:-unknown}")
    # shellcheck disable=SC1091
    os_version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
fi

supported_os() {
    case "$os_id-$os_version" in
        debian-12 | debian-13 | ubuntu-24.04) return 0 ;;
        *) return 1 ;;
    esac
}

uses_own_database() {
    [ -z "${DATABASE_URL:-}" ] && ! grep -qsE '^(export +)?DATABASE_URL=.*[^ "'\'']' .env
}

# The same places as app/postgres.py looks in.
has_postgis() {
    for major in 17 16 15; do
        if [ -x "/usr/lib/postgresql/$major/bin/initdb" ] &&
            [ -e "/usr/share/postgresql/$major/extension/postgis.control" ]; then return 0; fi
        if [ -x "/usr/pgsql-$major/bin/initdb" ] &&
            [ -e "/usr/pgsql-$major/share/extension/postgis.control" ]; then return 0; fi
    done
    command -v pg_config >/dev/null 2>&1 || return 1
    case "$(pg_config --version)" in
        'PostgreSQL 15'* | 'PostgreSQL 16'* | 'PostgreSQL 17'*) ;;
        *) return 1 ;;
    esac
    [ -x "$(pg_config --bindir)/initdb" ] && [ -e "$(pg_config --sharedir)/extension/postgis.control" ]
}

has_venv_module() {
    [ -x "$venv/bin/python" ] && [ -s "$stamp" ] && return 0
    "$python" -c 'import ensurepip, venv' 2>/dev/null
}

postgres_major() {
    case "$os_id-$os_version" in
        debian-12) echo 15 && return ;;
        ubuntu-24.04) echo 16 && return ;;
        debian-13) echo 17 && return ;;
    esac
    for major in 17 16 15; do
        if apt-cache show "postgresql-$major-postgis-3" >/dev/null 2>&1; then echo "$major" && return; fi
    done
    return 1
}

# Printed sheets are set by Pango.
has_pango() {
    for library in /usr/lib/*/libpangoft2-1.0.so.0 /usr/lib64/libpangoft2-1.0.so.0; do
        [ -e "$library" ] && return 0
    done
    return 1
}

missing_parts() {
    [ -x "$python" ] || echo python3
    has_venv_module || echo python3-venv
    if uses_own_database && ! has_postgis; then echo postgresql+postgis; fi
    if uses_own_database; then command -v pgbackrest >/dev/null 2>&1 || echo pgbackrest; fi
    command -v ogrinfo >/dev/null 2>&1 || echo gdal-bin
    has_pango || echo libpangoft2-1.0-0
    # The tests look at the pages in a real browser; Ubuntu's package is a snap, which a closed machine cannot get.
    if [ "$kind-$os_id" = dev-debian ]; then command -v chromium >/dev/null 2>&1 || echo chromium; fi
    if [ "$kind" = dev ]; then command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || echo mosquitto; fi
    if [ ! -e /etc/ssl/certs/ca-certificates.crt ] && [ ! -e /etc/pki/tls/certs/ca-bundle.crt ]; then
        echo ca-certificates
    fi
}

package_names() {
    for part in $1; do
        case $part in
            postgresql+postgis)
                major=$(postgres_major) || return 1
                echo "postgresql-$major postgresql-$major-postgis-3"
                ;;
            *) echo "$part" ;;
        esac
    done | tr '\n' ' '
}

# ---------------------------------------------------------------- OS packages

root_command() {
    if [ "$(id -u)" -eq 0 ]; then
        return 0
    fi
    command -v sudo >/dev/null 2>&1 || return 1
    if [ -t 0 ]; then sudo -v; else sudo -n true 2>/dev/null; fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

install_os_packages() {
    parts=$1
    words=$(printf '%s' "$parts" | tr '\n' ' ')
    if ! command -v apt-get >/dev/null 2>&1; then
        fail "Máy này (${os_id} ${os_version}) không có apt-get; hãy tự cài: ${words}rồi chạy lại lệnh." \
            "This machine (${os_id} ${os_version}) has no apt-get; install these yourself: ${words}and run again."
    fi
    packages=$(package_names "$parts") ||
        packages="postgresql postgresql-postgis $(package_names "$(printf '%s\n' "$parts" | grep -v postgis || true)")"
    if ! root_command; then
        fail "Cần quyền quản trị để cài gói hệ thống. Nhờ người quản trị chạy đúng lệnh này rồi chạy lại:" \
            "Installing OS packages needs root or sudo. Ask an administrator to run exactly this, then run again:
    apt-get update && apt-get install -y --no-install-recommends ${packages% }"
    fi
    say "Cài gói hệ thống: ${packages% }" "Installing OS packages: ${packages% }"
    apt update || fail "Không cập nhật được danh mục gói: hãy kiểm tra mạng và /etc/apt/sources.list*." \
        "apt-get update failed: check the network and /etc/apt/sources.list*."
    packages=$(package_names "$parts") ||
        fail "Kho gói của hệ điều hành này không có PostGIS cho PostgreSQL 15–17; hãy đặt DATABASE_URL." \
            "This system's repositories have no PostGIS for PostgreSQL 15-17; set DATABASE_URL to use another server."
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $packages ||
        fail "apt-get không cài được: ${packages% }; hãy sửa lỗi in ở trên rồi chạy lại." \
            "apt-get could not install: ${packages% }; mend the error printed above and run again."
}

# ---------------------------------------------------------------- Python packages

python_version() {
    "$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

check_python() {
    case "$(python_version)" in
        3.11 | 3.12 | 3.13) ;;
        *) fail "Cần Python 3.11–3.13 của hệ thống tại $python; máy này có $(python_version)." \
            "The system's own Python 3.11-3.13 is needed at $python; this machine has $(python_version)." ;;
    esac
}

lock_hash() { sha256sum "$1" | cut -c1-64; }

# The development packages contain those of the demo, so either stamp serves the demo.
is_current() {
    [ -s "$stamp" ] && [ -x "$venv/bin/diaban" ] && [ -x "$venv/bin/python" ] || return 1
    found=$(cat "$stamp")
    place="$(python_version) $checkout"
    [ "$found" = "dev $(lock_hash requirements-dev.lock) $place" ] && return 0
    [ "$kind" = demo ] && [ "$found" = "demo $(lock_hash requirements.lock) $place" ]
}

# A virtual environment holds absolute paths and one Python version: moved or upgraded, it is made anew.
make_venv() {
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        [ "$(sed -n 's/^version *= *\([0-9]*\.[0-9]*\).*/\1/p' "$venv/pyvenv.cfg")" = "$(python_version)" ] &&
        { [ ! -s "$stamp" ] || [ "$(cut -d' ' -f4- "$stamp")" = "$checkout" ]; }; then
        return
    fi
    say "Tạo môi trường Python $(python_version) trong $venv" "Creating the Python $(python_version) environment in $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv" ||
        fail "Không tạo được $venv: hãy kiểm tra quyền ghi và chỗ trống trong $checkout." \
            "Could not create $venv: check that $checkout is writable and has free space."
}

network_help() {
    fail "Không cài được gói Python: cần mạng, hoặc một kho gương (đặt PIP_INDEX_URL), và khoảng 1 GB trống; rồi chạy lại." \
        "Python packages could not be installed: a network or a mirror (PIP_INDEX_URL) and 1 GB free are needed; then run again."
}

install_uv() {
    pinned=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements-bootstrap.lock)
    case "$("$venv/bin/uv" --version 2>/dev/null || true)" in "uv $pinned"*) return ;; esac
    say "Cài trình cài đặt uv $pinned (có kiểm tra mã băm)" "Installing the installer uv $pinned (hash-checked)"
    "$venv/bin/python" -m pip install --quiet --require-hashes --no-deps --only-binary :all: \
        -r requirements-bootstrap.lock || network_help
}

install_python_packages() {
    rm -f "$stamp"
    count=$(grep -c '^[a-z0-9]' "$lock")
    say "Cài tối đa $count gói Python từ $lock (có kiểm tra mã băm)" \
        "Installing up to $count Python packages from $lock (hash-checked)"
    # A mirror set up for pip serves uv too; uv does not read pip's own configuration.
    mirror=$("$venv/bin/python" -m pip config get global.index-url 2>/dev/null || true)
    mirror=${PIP_INDEX_URL:-$mirror}
    if [ -n "$mirror" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="$mirror"; fi
    "$venv/bin/uv" pip install --python "$venv/bin/python" --require-hashes --only-binary :all: -r "$lock" || network_help
}

# An editable install would fetch a build back end that no lock file covers; a path file needs none.
install_project() {
    packages_dir=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$checkout" >"$packages_dir/diaban.pth"
    cat >"$venv/bin/diaban" <<'LAUNCHER'
#!/bin/sh
export PYTHONUTF8=1
exec "$(dirname -- "$(readlink -f -- "$0")")/python" -P -m app.cli "$@"
LAUNCHER
    chmod 755 "$venv/bin/diaban"
    hash=$(lock_hash "$lock")
    printf '%s\n' "$kind $hash $(python_version) $checkout" >"$stamp"
}

# ---------------------------------------------------------------- the steps

# The map viewer is built from web/viewer by the Node that came with the Python packages.
build_viewer() {
    [ -d web/viewer ] || return 0
    "$venv/bin/python" -P -m app.viewer_build && return 0
    # The tests look at it; a demo does without and says so on its page.
    [ "$kind" != dev ]
}

missing=$(missing_parts)
if [ -z "$missing" ] && is_current; then
    build_viewer
    exit
fi

say "Chuẩn bị máy: gói hệ thống còn thiếu [$(printf '%s' "${missing:-không}" | tr '\n' ' ')], gói Python vào $venv. Chỉ lần đầu mất vài phút." \
    "Preparing: missing OS packages [$(printf '%s' "${missing:-none}" | tr '\n' ' ')], Python packages into $venv. Only the first run takes minutes."
supported_os || say "Hệ điều hành ${os_id} ${os_version} chưa được thử; đã thử Debian 12, 13 và Ubuntu 24.04. Vẫn tiếp tục." \
    "${os_id} ${os_version} is untested; Debian 12, 13 and Ubuntu 24.04 are tested. Going on."
[ -w . ] || fail "Không ghi được vào $checkout; hãy chạy bằng chủ của thư mục này." \
    "$checkout is not writable; run this as the owner of the folder."
[ -z "$missing" ] || install_os_packages "$missing"
for path in "$venv" .venv.lock; do
    if [ -e "$path" ] && [ ! -w "$path" ]; then
        fail "$checkout/$path thuộc về người dùng khác; hãy chạy bằng người đó, hoặc xoá nó rồi chạy lại." \
            "$checkout/$path belongs to another user; run this as that user, or remove it and run again."
    fi
done
still_missing=$(missing_parts)
[ -z "$still_missing" ] || fail "Sau khi cài vẫn thiếu: $still_missing." "Still missing after the installation: $still_missing."
check_python
if command -v flock >/dev/null 2>&1; then
    exec 9>.venv.lock
    flock -n 9 || say "Đang chờ một lần cài đặt khác trong thư mục này" "Waiting for another installation in this folder"
    flock 9
fi
if ! is_current; then
    make_venv
    install_uv
    install_python_packages
    install_project
fi
build_viewer
say "Môi trường đã sẵn sàng" "The environment is ready"
