#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# java: threads, processes, files, sockets.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need java javac
cat >"$TMPDIR/Main.java" <<'EOF'
import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Main {
	static String error(Callable<?> call) {
		try {
			return String.valueOf(call.call());
		} catch (Exception e) {
			return e.toString();
		}
	}

	public static void main(String[] args) throws Exception {
		Path data = Files.createDirectory(Paths.get("data"));
		ExecutorService pool = Executors.newFixedThreadPool(12);
		List<Future<Integer>> sums = new ArrayList<>();
		for (int i = 0; i < 200; i++) {
			final int n = i;
			sums.add(pool.submit(() -> {
				Path p = data.resolve("f" + n);
				Files.writeString(p, "x".repeat(n));
				int s = 0;
				for (int j = 0; j < 10; j++)
					s += Files.readString(p).length();
				Files.move(p, data.resolve("g" + n));
				return s;
			}));
		}
		int total = 0;
		for (Future<Integer> f : sums)
			total += f.get();
		System.out.println("files " + total);
		List<Future<String>> children = new ArrayList<>();
		for (int i = 0; i < 20; i++) {
			final int n = i;
			children.add(pool.submit(() -> {
				Process p = new ProcessBuilder("sh", "-c", "echo " + n + "; exit " + n).start();
				String out = new String(p.getInputStream().readAllBytes()).trim();
				return out + ":" + p.waitFor();
			}));
		}
		for (Future<String> f : children)
			System.out.print(f.get() + " ");
		System.out.println();
		try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName(System.getenv("SERVER")))) {
			Thread t = new Thread(() -> {
				try {
					for (int i = 0; i < 20; i++)
						try (Socket s = server.accept()) {
							s.getOutputStream().write(s.getInputStream().read() + 1);
						}
				} catch (IOException e) {
					System.out.println(e);
				}
			});
			t.start();
			int got = 0;
			for (int i = 0; i < 20; i++)
				try (Socket s = new Socket(System.getenv("PEER"), server.getLocalPort())) {
					s.getOutputStream().write(i);
					got += s.getInputStream().read();
				}
			t.join();
			System.out.println("sockets " + got);
		}
		List<Future<String>> mediated = new ArrayList<>();
		for (int i = 0; i < 20; i++) {
			final String n = String.valueOf(i);
			mediated.add(pool.submit(() -> {
				Process p = new ProcessBuilder(System.getenv("TOOL"), n).start();
				String out = new String(p.getInputStream().readAllBytes()).trim();
				return Files.readString(Paths.get(System.getenv("INPUT"), "part")).trim() + " " + out + " "
					+ Files.exists(Paths.get(System.getenv("HIDDEN"), "part")) + " " + error(() ->
					Files.writeString(Paths.get(System.getenv("KEPT"), "program"), n)) + " " + error(() ->
					new Socket(System.getenv("NOBODY"), 9));
			}));
		}
		for (Future<String> f : mediated)
			System.out.println(f.get());
		// Garbage, so that the collector's threads and safepoints are at work.
		long kept = IntStream.range(0, 400).parallel().mapToLong(
			i -> Stream.iterate(1, x -> x + i).limit(20000).map(String::valueOf).mapToLong(String::length).sum()).sum();
		System.out.println("parallel " + kept);
		System.gc();
		try (Stream<Path> walk = Files.walk(data)) {
			System.out.println("walk " + walk.count());
		}
		try {
			Files.readString(Paths.get("missing"));
		} catch (NoSuchFileException e) {
			System.out.println("missing " + e.getMessage());
		}
		pool.shutdown();
		System.exit(6);
	}
}
EOF
echo part >"$FILES/part"
(cd "$TMPDIR" && javac -J-XX:-UsePerfData -d classes Main.java) >"$TMPDIR/build.out" 2>&1
ok $? 'a Java program is built' "$(cat "$TMPDIR/build.out")"
compare 'threads and processes' 6 '*/java' java -XX:-UsePerfData -cp "$TMPDIR/classes" Main
done_testing
