#!/usr/bin/env node
// Written for every Node since 10, as a module and as a script alike: an old Node has to read this far
// to say which one it should be. So no static import, no top-level await, nothing newer than ES2018.
(function start() {
  var floor = [24, 15];
  var version = process.versions.node.split('.').map(Number);
  // ^24.15.0 || >=26.0.0, as in package.json
  var recent = version[0] >= 26 || (version[0] === floor[0] && version[1] >= floor[1]);

  if (!recent) return useLocalNode();

  var fs = process.getBuiltinModule('node:fs');
  var path = process.getBuiltinModule('node:path');
  var root = path.dirname(path.dirname(fs.realpathSync(process.argv[1])));

  // `… | head` closes stdout early: leave quietly, with the exit code already decided.
  process.stdout.on('error', function closed(error) {
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write('postern: cannot write to standard output: ' + error.code + '\n');
    process.exit(73);
  });
  process.stderr.on('error', function closed() {});

  if (process.argv.length === 3 && process.argv[2] === '--version') {
    var about = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
    process.stdout.write(
      'postern/' +
        about.version +
        ' ' +
        process.platform +
        '-' +
        process.arch +
        ' node-' +
        process.version +
        '\n',
    );
    return;
  }

  useCompileCache(fs, path);
  import('../dist/main.js').then(
    function loaded(entry) {
      return entry.main(root, process.argv.slice(2));
    },
    function missing(error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || fs.existsSync(path.join(root, 'dist', 'main.js')))
        throw error;
      process.stderr.write('postern: dist/ is missing. Inside the checkout, "npm run build" makes it.\n');
      process.exitCode = 69;
    },
  );

  /** Node 24 may lie beside us, where `npm ci` put it: be that, with the same arguments and streams. */
  function useLocalNode() {
    // Before Node 12 this file is a script, after it a module.
    var load =
      typeof require === 'function'
        ? require
        : function load(name) {
            return import(name);
          };
    Promise.all([load('fs'), load('path'), load('child_process')]).then(function found(modules) {
      var fs = modules[0];
      var path = modules[1];
      var script = fs.realpathSync(process.argv[1]);
      var local = path.join(path.dirname(path.dirname(script)), 'node_modules', '.bin', 'node');
      if (process.env.POSTERN_NODE_LOOP || process.platform === 'win32' || !fs.existsSync(local))
        return explain();
      var child = modules[2].spawn(local, [script].concat(process.argv.slice(2)), {
        stdio: 'inherit',
        env: Object.assign({}, process.env, { POSTERN_NODE_LOOP: '1' }),
      });
      // The terminal signals the whole group: let the child decide what an interrupt means.
      ['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function pass(signal) {
        process.on(signal, function forward() {
          if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
        });
      });
      child.on('error', explain);
      child.on('exit', function ended(code, signal) {
        process.exitCode = signal === 'SIGINT' ? 130 : code === null ? 70 : code;
      });
    });
  }

  function explain() {
    var how = {
      darwin: 'On macOS: "brew install node@24", or the 24 LTS installer from nodejs.org.',
      win32: 'On Windows: "winget install OpenJS.NodeJS.LTS", or the 24 LTS installer from nodejs.org.',
    };
    process.stderr.write(
      'postern: needs Node.js 24.15 or later (24 LTS, or 26 and up); this is ' +
        process.version +
        '.\n' +
        (how[process.platform] ||
          'Inside the checkout "npm ci" brings one; elsewhere install Node.js 24 LTS and run it again.') +
        '\n',
    );
    process.exitCode = 69;
  }

  /** Compiled code is trusted like code: keep it only in a folder that is ours alone, never in a shared one. */
  function useCompileCache(fs, path) {
    var home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'));
    if (!home || !path.isAbsolute(home)) return;
    var folder = path.join(home, 'postern', 'compile');
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      var found = fs.lstatSync(folder);
      var ours = !process.getuid || (found.uid === process.getuid() && (found.mode & 0o077) === 0);
      if (found.isDirectory() && ours) process.getBuiltinModule('node:module').enableCompileCache(folder);
    } catch (_) {
      // A read-only home only costs some milliseconds.
    }
  }
})();
