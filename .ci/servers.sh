#!/bin/sh
# Installs the servers and the browser that some tests talk to, where that is allowed. Where it is not, the reason is printed
# and those tests are skipped; under CI=true the tests themselves turn such a skip into a failure (tests/conftest.py).
set -u

want() { # package, what needs it, command that succeeds when it is there
    package=$1 why=$2 there=$3
    if sh -c "$there" >/dev/null 2>&1; then return; fi
    if [ "$(id -u)" != 0 ]; then
        echo "$package is missing and you are not root: the tests of $why will be skipped (apt-get install $package)"
        return
    fi
    if ! command -v apt-get >/dev/null; then
        echo "$package is missing and there is no apt-get: the tests of $why will be skipped"
        return
    fi
    echo "installing $package for the tests of $why"
    if [ -z "${updated:-}" ]; then apt-get -qq update >/dev/null 2>&1; updated=yes; fi
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$package" </dev/null >/dev/null 2>&1 &&
        sh -c "$there" >/dev/null 2>&1 ||
        echo "apt-get could not install $package: the tests of $why will be skipped"
}

want postgresql "the store on PostgreSQL" "ls /usr/lib/postgresql/*/bin/initdb"
want redis-server "limits across machines" "command -v redis-server || command -v valkey-server"
want tesseract-ocr "text in images" "command -v tesseract"
want chromium "the console in a browser" "command -v chromium"
exit 0
