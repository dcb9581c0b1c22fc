/** Says plainly that a Node is too old, before anything is loaded that it cannot read. Keep the syntax of this file old. */
var version = process.versions.node;
if (Number(version.split('.')[0]) < 20) {
  console.error(
    'Sluice needs Node 20 or newer; this is Node ' +
      version +
      '.\n-> Install a newer Node from your system or your version manager, and run the command again.',
  );
  process.exit(1);
}
