"""The multiprocessors' clock while steps run, by nvidia-smi: without it a figure says little."""

import statistics
import subprocess
import threading
import time

FIELDS = ("clocks.sm", "clocks.mem", "power.draw", "temperature.gpu")  # MHz, MHz, W, degrees Celsius


class Clock:
    """Writes a sample a second to a file, each line with its second of the part."""

    def __init__(self, path, started):
        self.path, self.started, self.samples = path, started, []
        try:
            self.process = subprocess.Popen(
                ["nvidia-smi", "-i", "0", f"--query-gpu={','.join(FIELDS)}", "--format=csv,noheader,nounits", "--loop-ms=1000"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        except OSError:
            self.process = None
            return
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        with open(self.path, "a", encoding="utf-8") as log:
            for line in self.process.stdout:
                second = time.monotonic() - self.started
                log.write(f"{second:.1f}, {line.strip()}\n")
                log.flush()
                try:
                    self.samples.append((second, *(float(field) for field in line.split(","))))
                except ValueError:
                    continue  # "[N/A]"

    def during(self, begin, end):
        """{least, median, most of the clock in MHz, and the most power in W} of those seconds; None without a sample."""
        seen = [sample for sample in list(self.samples) if begin <= sample[0] <= end]
        if not seen:
            return None
        clocks = [sample[1] for sample in seen]
        return {"least_mhz": min(clocks), "median_mhz": statistics.median(clocks), "most_mhz": max(clocks),
                "most_watts": max(sample[3] for sample in seen), "samples": len(seen)}

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
