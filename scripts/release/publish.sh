#!/usr/bin/env bash
# Publishes a release with its files, and makes sure that it cannot be changed any more.
# usage: publish.sh TAG COMMIT FILE...; GITHUB_REPOSITORY says where, GH_TOKEN is for gh.
set -euo pipefail
usage='usage: GITHUB_REPOSITORY=OWNER/NAME publish.sh TAG COMMIT FILE...'
tag=${1:?$usage}
commit=${2:?$usage}
: "${3:?$usage}" "${GITHUB_REPOSITORY:?$usage}"
shift 2
export GH_REPO=$GITHUB_REPOSITORY

# Until it is published, whoever may push can move the tag away from the commit that was checked.
tagged=$(gh api "repos/$GITHUB_REPOSITORY/commits/tags/$tag" --jq .sha)
if [[ $tagged != "$commit" ]]; then
  echo "cannot release $tag: it is at $tagged now, and $commit was checked; find out who moved it" >&2
  exit 1
fi

# A published release takes no more files.
gh release create "$tag" --draft --verify-tag --title "$tag" --generate-notes "$@"
gh release edit "$tag" --draft=false

# GitHub attests a release that it locked, some seconds later. Without that attestation the tag can still be moved.
for pause in 5 10 20 40 0; do
  if gh release verify "$tag"; then exit 0; fi
  sleep "$pause"
done
echo "$tag is published, but not locked: enable release immutability in the settings, and release a new version" >&2
exit 1
