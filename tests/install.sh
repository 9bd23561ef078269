#!/usr/bin/env bash
# Installs the programs that the tests run against, where they are missing: browsers, Redis, nginx, Node.
set -euo pipefail

declare -A packages=(
  [chromium]=chromium [firefox-esr]=firefox-esr [redis-server]=redis-server [nginx]=nginx-light [node]=nodejs [npm]=npm
  [openssl]=openssl [php]=php-cli [curl]=curl
)
missing=()
for program in "${!packages[@]}"; do
  PATH="$PATH:/usr/sbin" command -v "$program" > /dev/null || missing+=("${packages[$program]}")
done
fc-list 2> /dev/null | grep -qi liberation || missing+=(fonts-liberation fontconfig)
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ]; then
  echo "The tests need programs that are not installed. Run: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
