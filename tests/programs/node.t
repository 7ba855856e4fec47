#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# node: promises over the thread pool, workers, child processes, http.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need node
cat >"$FILES/script.js" <<'EOF'
const fs = require('fs'), path = require('path'), os = require('os');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { execFile, execFileSync, fork, spawn } = require('child_process');
const http = require('http'), crypto = require('crypto'), util = require('util');

if (!isMainThread) {
	let sum = 0;
	for (const f of fs.readdirSync('data'))
		sum += fs.readFileSync(path.join('data', f)).length * workerData;
	sum += fs.readFileSync(path.join(process.env.INPUT, 'part')).length;
	parentPort.postMessage(sum);
} else if (process.argv[2] === 'child') {
	process.on('message', (m) => { process.send(m * 2); process.disconnect(); });
} else main();

async function main() {
	fs.mkdirSync('data');
	await Promise.all([...Array(100).keys()].map(
		(i) => fs.promises.writeFile(`data/f${i}`, 'x'.repeat(i))));
	const sums = await Promise.all([...Array(100).keys()].map(
		async (i) => crypto.createHash('sha1').update(await fs.promises.readFile(`data/f${i}`)).digest('hex')));
	console.log('files', crypto.createHash('sha1').update(sums.join()).digest('hex'));
	const workers = await Promise.all([1, 2, 3, 4].map((n) => new Promise((done, bad) => {
		const w = new Worker(__filename, { workerData: n });
		w.on('message', done); w.on('error', bad);
	})));
	console.log('workers', workers);
	const run = util.promisify(execFile);
	const outs = await Promise.all([...Array(20).keys()].map((i) => run('echo', [String(i)])));
	console.log('children', outs.map((o) => o.stdout.trim()).join(' '));
	console.log('fork', await new Promise((done) => {
		const c = fork(__filename, ['child']); c.on('message', done); c.send(21);
	}));
	console.log('signal', await new Promise((done) => {
		const c = spawn('sleep', ['1000']);
		c.on('spawn', () => c.kill('SIGTERM'));
		c.on('exit', (code, signal) => done(signal));
	}));
	const server = http.createServer((req, res) => {
		fs.createReadStream('data/f99').pipe(res);
	});
	await new Promise((done) => server.listen(0, process.env.SERVER, done));
	const { port } = server.address();
	const got = await Promise.all([...Array(25).keys()].map(() => new Promise((done, bad) => {
		http.get({ host: process.env.PEER, port }, (res) => {
			let n = 0;
			res.on('data', (d) => { n += d.length; });
			res.on('end', () => done(n));
		}).on('error', bad);
	})));
	console.log('http', got.length, new Set(got));
	server.close();
	const tools = await Promise.all([...Array(10).keys()].map((i) => run(process.env.TOOL, [String(i)])));
	console.log('tools', tools.map((o) => o.stdout.trim()).join(' '));
	const errors = await Promise.allSettled([
		fs.promises.readFile(`${process.env.HIDDEN}/part`), fs.promises.writeFile(`${process.env.KEPT}/program`, ''),
		run(process.env.FORBIDDEN, ['--never']), fetch(`http://${process.env.NOBODY}:9/`)]);
	console.log('errors', errors.map((e) => (e.reason.cause ?? e.reason).code));
	console.log(require(`${process.env.INPUT}/module.js`).what);
	try {
		fs.readFileSync('missing');
	} catch (e) {
		console.log(e.code);
	}
	fs.symlinkSync('data', 'link');
	console.log(fs.realpathSync('link') === path.join(process.cwd(), 'data'), fs.lstatSync('link').isSymbolicLink());
	const watched = new Promise((done) => {
		const w = fs.watch('data', (kind, name) => { w.close(); done(name); });
		fs.writeFileSync('data/watched', '');
	});
	console.log('watch', await watched);
	fs.rmSync('data', { recursive: true });
	console.log(execFileSync('ls', { encoding: 'utf8' }));
	process.exitCode = 5;
}
EOF
echo part >"$FILES/part"
echo "exports.what = 'a module';" >"$FILES/module.js"
compare 'promises, workers and children' 5 '*/node' node "$INPUT/script.js"
done_testing
