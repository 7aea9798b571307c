# SPDX-License-Identifier: GPL-3.0-or-later
#
# A GIMP with windows, on a screen that nobody sees: for what GIMP offers to the user alone, such as undo
# and dialogs. Scheme reaches it through GIMP's Script-Fu server, keys through xdotool.

import os
import signal
import socket
import struct
import subprocess
import threading
import time

import console
from console import quoted

SERVER = {"2": "script-fu", "3": "script-fu-server"}   # the plug-in that has the server
START = {"2": "(plug-in-script-fu-server RUN-NONINTERACTIVE {ip} {port} {log})",
         "3": "(plug-in-script-fu-server #:run-mode RUN-NONINTERACTIVE #:ip {ip} #:port {port} "
              "#:logfile {log})"}


def wait_for(question, seconds, what):
    """The first answer that is not None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = question()
        if answer is not None:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def computed(process):
    """The seconds that a process has computed until now, without those it waited."""
    with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Call(threading.Thread):
    """Scheme that GIMP works on while the test does something else."""

    def __init__(self, gimp, script):
        super().__init__(daemon=True)
        self.gimp, self.script, self.said = gimp, script, None
        self.start()

    def run(self):
        try:
            self.said = self.gimp.ask(self.script)
        except (AssertionError, OSError):
            pass   # end () tells it

    def end(self, seconds=120):
        """What it said."""
        self.join(seconds)
        assert not self.is_alive(), f"GIMP has not ended the call within {seconds} s"
        assert self.said is not None, "GIMP has ended"
        return self.said


class Window(console.Gimp):
    """To be used in a 'with' statement: its processes end with it."""

    def __init__(self, version, libdir, plug_in, home, models):
        super().__init__(version, libdir, plug_in, home, models, (SERVER[version],),
                         self.no_welcome(version))
        with open(os.path.join(home, "sessionrc"), "w", encoding="utf-8") as file:
            file.write("(single-window-mode yes)\n(hide-docks yes)\n")
        # Small tiles take long, so that a small image is still being computed when something happens to it.
        self.environment["ATELIER_TILE"] = "8"
        self.plug_in = os.path.realpath(plug_in)
        self.processes, self.connection = [], None
        self.results = os.path.join(home, "results")

    @staticmethod
    def no_welcome(version):
        """Settings without which GIMP 3 greets who starts it for the first time, over the image."""
        if version == "2":
            return ""
        words = subprocess.run(["gimp-console-3.0", "--version"], text=True, capture_output=True,
                               check=True).stdout.split()
        return f"(config-version {quoted(words[-1])})\n(check-updates no)\n"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            # With what it has started: the Script-Fu server waits for its socket, not for GIMP, and stays.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()

    def log(self):
        """Where GIMP and its plug-ins print to."""
        return os.path.join(self.home, f"gimp-{'2.10' if self.version == '2' else '3.0'}.log")

    def spawn(self, *command, **options):
        with open(os.path.join(self.home, f"{os.path.basename(command[0])}.log"), "w") as log:
            process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True, **options)
        self.processes.append(process)
        return process

    def start(self):
        read, write = os.pipe()
        self.spawn("Xvfb", "-displayfd", str(write), "-screen", "0", "1400x1000x24", "-nolisten", "tcp",
                   "-fbdir", self.home, pass_fds=(write,))
        os.close(write)
        with os.fdopen(read) as pipe:
            self.environment["DISPLAY"] = ":" + pipe.readline().strip()
        self.spawn("openbox")

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        start = START[self.version].format(ip=quoted("127.0.0.1"), port=port,
                                           log=quoted(os.path.join(self.home, "server.log")))
        options = ["--batch-interpreter=plug-in-script-fu-eval"] if self.version == "3" else []
        self.spawn(f"gimp-{'2.10' if self.version == '2' else '3.0'}", "--new-instance", "--no-data",
                   "--no-splash", *options, "-b", start)

        def connect():
            try:
                return socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                return None
        self.connection = wait_for(connect, 120, "GIMP's start")
        self.send(self.prelude(self.results))

    def ask(self, script):
        """Runs Scheme; what it said: {key: value}."""
        self.send(f"(set! results (open-output-file results-path))\n{script}\n"
                  "(close-output-port results)")
        return console.read_results(self.results)

    def send(self, script):
        text = script.encode()
        self.connection.sendall(b"G" + struct.pack(">H", len(text)) + text)
        header = self.receive(4)   # 'G', whether it failed, the length of what it printed
        answer = self.receive(struct.unpack(">H", header[2:])[0]).decode(errors="replace")
        assert header[1] == 0, f"GIMP says: {answer}"

    def window(self, title, seconds=60):
        """Waits for the window with these words in its title; its number."""
        def search():
            run = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", title],
                                 env=self.environment, text=True, capture_output=True, check=False)
            return run.stdout.split()[0] if run.stdout.split() else None
        return wait_for(search, seconds, f"a window '{title}'")

    def screen(self):
        """What the screen shows: its rows, of three bytes a pixel. The file is an X window dump of 32 bits
        a pixel, blue first."""
        with open(os.path.join(self.home, "Xvfb_screen0"), "rb") as file:
            dump = file.read()
        words = struct.unpack(">25I", dump[:100])
        header, width, height, row, n_colours = words[0], words[4], words[5], words[12], words[19]
        begin = header + 12 * n_colours
        rows = []
        for y in range(height):
            pixels = dump[begin + y * row:begin + y * row + 4 * width]
            rgb = bytearray(3 * width)
            rgb[0::3], rgb[1::3], rgb[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
            rows.append(bytes(rgb))
        return rows

    def do(self, *commands):
        """Keys and mouse, in the words of xdotool."""
        subprocess.run(["xdotool", *map(str, commands)], env=self.environment, timeout=60, check=True)

    def press(self, title, *keys):
        """Presses combinations of keys, 'ctrl+z', in a window."""
        self.type(title, "", *keys)

    def press_until(self, title, keys, result):
        """Presses a combination of keys in a window until there is one with the other words in its title: a busy
        GIMP may miss it."""
        def seen():
            self.press(title, keys)
            try:
                return self.window(result, 3)
            except AssertionError:
                return None
        wait_for(seen, 20, f"a window '{result}' after {keys}")

    def type(self, title, text, *keys):
        """Types a text in a window, then presses combinations of keys. GIMP's search needs time to find."""
        self.do("windowactivate", "--sync", self.window(title))
        if text:
            self.do("type", "--delay", 50, text)
            time.sleep(1)
        self.do("key", "--delay", 50, *keys)

    def click(self, number, x, y):
        """Presses a button of the mouse at a place of a window, counted from its right and lower end."""
        run = subprocess.run(["xdotool", "getwindowgeometry", "--shell", number], env=self.environment,
                             text=True, capture_output=True, check=True)
        place = dict(line.split("=") for line in run.stdout.split())
        self.do("windowactivate", "--sync", number, "mousemove", "--window", number,
                int(place["WIDTH"]) - x, int(place["HEIGHT"]) - y, "click", 1)

    def running_plug_in(self):
        """The number of the process of Atelier's plug-in, or None."""
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                program = os.readlink(f"/proc/{number}/exe")
                with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue   # it has ended, or is not ours to look at
            if program == self.plug_in and parent == self.processes[-1].pid:
                return int(number)
        return None

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.connection.recv(count - len(data))
            assert part, "GIMP has ended"
            data += part
        return data
