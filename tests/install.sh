#!/usr/bin/env bash
# Installs the programs that the tests run: packages of Debian and npm, and WordPress with its
# SQLite drop-in.
#
# Only Debian's packages need root. The script first finds all that are missing; without root, it
# prints one command that installs them. The rest goes into $CABINET_TEST_CACHE, by default
# ~/.cache/cabinet-widgets-tests.
set -euo pipefail
cache=${CABINET_TEST_CACHE:-$HOME/.cache/cabinet-widgets-tests}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

# Two runs that start together, of tests and of a soak, must not install the same thing twice.
exec 9> "$cache/install.lock"
flock 9

# -- Debian's packages -----------------------------------------------------------------------------
declare -A package_of_program=(
  [caddy]=caddy
  [chromium]=chromium
  [chromium-headless-shell]=chromium-headless-shell
  [firefox-esr]=firefox-esr
  [msgfmt]=gettext
  [nginx]=nginx-light
  [node]=nodejs
  [npm]=npm
  [openssl]=openssl
  [php]=php-cli
  [phpunit]=phpunit
  [ps]=procps
  [redis-server]=redis-server
  [systemd-analyze]=systemd
  [unzip]=unzip
  [WebKitWebDriver]=webkit2gtk-driver
  [wrk]=wrk
  [Xvfb]=xvfb
)
declare -A package_of_php_module=(
  [curl]=php-curl
  [dom]=php-xml
  [intl]=php-intl
  [mbstring]=php-mbstring
  [pdo_sqlite]=php-sqlite3
)
# The fonts of the tested layouts (Latin, Chinese and Hindi), and the keys of the archive that
# WordPress is downloaded from.
other_packages=(
  debian-archive-keyring fontconfig fonts-dejavu-core fonts-liberation
  fonts-lohit-deva fonts-wqy-microhei
)

missing_packages() {
  local name modules
  for name in "${!package_of_program[@]}"; do
    # The PATH of an ordinary user does not include /usr/sbin.
    PATH="$PATH:/usr/sbin" command -v "$name" > /dev/null || echo "${package_of_program[$name]}"
  done
  modules=$(php -m 2> /dev/null || true)
  for name in "${!package_of_php_module[@]}"; do
    grep -qx "$name" <<< "$modules" || echo "${package_of_php_module[$name]}"
  done
  for name in "${other_packages[@]}"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$name" 2> /dev/null |
      grep -qx installed || echo "$name"
  done
  # Afterwards make creates the virtual environment with this interpreter.
  "${PYTHON:-python3}" -c 'import ensurepip' 2> /dev/null || echo python3-venv
}

mapfile -t missing < <(missing_packages | sort -u)
if [ ${#missing[@]} -gt 0 ]; then
  install=(apt-get install -y --no-install-recommends "${missing[@]}")
  if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need Debian packages that are not installed. This command installs all of them:" >&2
    echo >&2
    echo "  sudo apt-get update && sudo ${install[*]}" >&2
    exit 1
  fi
  echo "Installing Debian packages that the tests need: ${missing[*]}"
  log=$cache/apt.log
  # A server that a package starts must not inherit the lock.
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive "${install[@]}"; } > "$log" 2>&1 9>&-; then
    tail -20 "$log" >&2
    echo "The packages could not be installed; the whole log is $log." >&2
    exit 1
  fi
fi

# -- npm: accessibility checks, drivers of the browsers, PHP 7.4 and 8.4 as WebAssembly ------------
npm_packages=(
  axe-core@4.14.1
  puppeteer-core@24.43.1
  playwright-core@1.56.1
  @php-wasm/node-7-4@3.1.56
  @php-wasm/node-8-4@3.1.56
)
# The WebAssembly PHP needs Node 20, and Debian 12 has Node 18; tests/programs.py prefers this one.
if [ "$(node -p 'parseInt(process.versions.node)')" -lt 20 ]; then
  npm_packages+=(node@22.21.1)
fi
if [ "$(cat "$cache/npm-packages" 2> /dev/null)" != "${npm_packages[*]}" ]; then
  echo "Downloading packages from npm: ${npm_packages[*]}"
  echo '{"private": true}' > "$cache/package.json"
  quiet=(--no-audit --no-fund --no-update-notifier --loglevel=error)
  (cd "$cache" && npm install "${quiet[@]}" "${npm_packages[@]}" > /dev/null)
  echo "${npm_packages[*]}" > "$cache/npm-packages"
fi

# -- WordPress's SQLite drop-in, from the package of the Playground --------------------------------
playground=@wp-playground/cli@3.1.56
if [ ! -d "$cache/sqlite-database-integration" ]; then
  echo "Downloading the SQLite drop-in for WordPress"
  work=$(mktemp -d "$cache/sqlite.XXXX")
  (
    cd "$work"
    npm pack --silent --no-update-notifier "$playground" > /dev/null
    tar -xzf ./*.tgz package/sqlite-database-integration.zip
    unzip -q package/sqlite-database-integration.zip -d out
  )
  mv "$work"/out/*sqlite-database-integration* "$cache/sqlite-database-integration"
  rm -rf "$work"
fi

# -- Packages of Debian that are unpacked without installing them ----------------------------------
mirror() {
  # shellcheck disable=SC2016  # apt's own placeholders
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' | sed -n 's/^Debian //p' | head -1
}

# unpack SUITE FOLDER PACKAGE: unpack a package of any suite of Debian, and for WordPress also the
# packages that its links lead to.
unpack() {
  local suite=$1 folder=$2 package=$3 source needed file
  source=${CABINET_TEST_DEBIAN:-$(mirror)}
  if [ -z "$source" ]; then
    echo "$package is taken from Debian, and no Debian mirror is configured on this machine:" >&2
    echo "set CABINET_TEST_DEBIAN to the address of one." >&2
    exit 1
  fi
  mkdir -p "$folder"/{lists/partial,archives/partial,packages,root}
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $source $suite main" \
    > "$folder/sources.list"
  local options=(
    -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=/dev/null
    # sid's index expires after a week, and a mirror may be behind; it is still signed.
    -o Acquire::Check-Valid-Until=false
    -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder"
    -o Dir::State::status=/dev/null -o APT::Sandbox::User=
  )
  apt-get "${options[@]}" update
  # Debian replaces libraries that WordPress bundles by links into other packages.
  needed=$(
    apt-cache "${options[@]}" depends "$package" |
      sed -nE 's/^ *\|?(Depends|Recommends): (libjs-[a-z0-9.-]+|php-getid3|libphp-(phpmailer|simplepie)|wordpress-theme-[a-z]+)$/\2/p' |
      sort -u
  )
  # shellcheck disable=SC2086  # a list of names
  (cd "$folder/packages" && apt-get "${options[@]}" download "$package" $needed)
  for file in "$folder"/packages/*.deb; do
    dpkg-deb -x "$file" "$folder/root"
  done
}

# PHP_CodeSniffer checks the style of PHP; Debian 13 has no package of it.
if [ ! -d "$cache/php-codesniffer" ]; then
  echo "Downloading PHP_CodeSniffer from Debian's bookworm"
  work=$(mktemp -d "$cache/deb.XXXX")
  unpack bookworm "$work" php-codesniffer
  mv "$work/root" "$cache/php-codesniffer"
  rm -rf "$work"
fi

# -- WordPress: the oldest version that the plugin supports, and the newest ------------------------
# Another version is tested if these variables name it: 6.4, 6.5, or a release of Debian.
oldest=${CABINET_TEST_OLDEST_WORDPRESS:-6.4}
newest=${CABINET_TEST_NEWEST_WORDPRESS:-sid}

# Some links lead to files that no test needs (certificates, fonts): cp reports them and copies the
# rest.
wordpress_from_debian() {
  local suite=$1 folder=$2 target=$3
  unpack "$suite" "$folder" wordpress
  cp -rL "$folder/root/usr/share/wordpress/." "$target/" 2> /dev/null || true
  cp -rLn "$folder/root/var/lib/wordpress/wp-content/." "$target/wp-content/" 2> /dev/null || true
  rm -f "$target/wp-config.php" "$target/.htaccess"
}

# The package contains PHP in a zip and what browsers load next to it, with the Playground's own
# configuration.
wordpress_from_npm() {
  local version=$1 folder=$2 target=$3
  cd "$folder"
  npm pack --silent --no-update-notifier @wp-playground/wordpress-builds@0.9.19 > /dev/null
  tar -xzf ./*.tgz "package/src/wordpress/wp-$version.zip" "package/public/wp-$version"
  cp -r "package/public/wp-$version/." "$target/"
  unzip -q -o "package/src/wordpress/wp-$version.zip" -d "$target"
  rm -rf "$target"/wp-config.php "$target"/wp-content/{database,db.php,mu-plugins}
  rm -rf "$target"/wp-content/plugins/sqlite-database-integration
}

mkdir -p "$cache/wordpress"
for version in "$oldest" "$newest"; do
  if [ ! -f "$cache/wordpress/$version/wp-settings.php" ]; then
    work=$(mktemp -d "$cache/wordpress.XXXX")
    mkdir "$work/wordpress"
    case $version in
      [0-9]*)
        echo "Downloading WordPress $version from npm"
        (wordpress_from_npm "$version" "$work" "$work/wordpress")
        ;;
      *)
        echo "Downloading WordPress from Debian's $version"
        (wordpress_from_debian "$version" "$work" "$work/wordpress")
        ;;
    esac
    rm -rf "$cache/wordpress/$version"
    mv "$work/wordpress" "$cache/wordpress/$version"
    rm -rf "$work"
  fi
done
ln -sfn "$oldest" "$cache/wordpress/oldest"
ln -sfn "$newest" "$cache/wordpress/newest"
