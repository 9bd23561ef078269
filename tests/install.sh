#!/usr/bin/env bash
# Installs the programs that the tests run against, where they are missing: browsers, web servers, Redis, Node.
set -euo pipefail
cache=${CABINET_TEST_CACHE:-$HOME/.cache/cabinet-widgets-tests}
mkdir -p "$cache"

# Two that start together (tests and a soak) must neither fight for the package manager's lock nor unpack over each other.
exec 9> "$cache/install.lock"
flock 9

declare -A packages=(
  [chromium]=chromium [firefox-esr]=firefox-esr [redis-server]=redis-server [nginx]=nginx-light [node]=nodejs [npm]=npm
  [openssl]=openssl [php]=php-cli [curl]=curl [caddy]=caddy [systemd-analyze]=systemd [ps]=procps [wrk]=wrk
)
missing=()
for program in "${!packages[@]}"; do
  PATH="$PATH:/usr/sbin" command -v "$program" > /dev/null || missing+=("${packages[$program]}")
done
[ -n "$(fc-list "Liberation Sans" 2> /dev/null)" ] || missing+=(fonts-liberation fontconfig)
# Chinese and Hindi as their readers see them, and not as empty boxes.
[ -n "$(fc-list :lang=zh 2> /dev/null)" ] || missing+=(fonts-wqy-microhei)
[ -n "$(fc-list :lang=hi 2> /dev/null)" ] || missing+=(fonts-lohit-deva)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need programs that are not installed. Run: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# What finds faults of accessibility, and what drives Firefox; both stay out of the project.
if [ ! -d "$cache/node_modules/axe-core" ] || [ ! -d "$cache/node_modules/puppeteer-core" ]; then
  [ -f "$cache/package.json" ] || echo '{"private": true}' > "$cache/package.json"
  npm install --prefix "$cache" --no-audit --no-fund --loglevel=error axe-core@4.14.1 puppeteer-core@24.43.1
fi
