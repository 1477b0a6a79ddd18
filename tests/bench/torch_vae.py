"""The yardstick in PyTorch: the VAE of examples/vae (P-H-D-H-P, tanh, Bernoulli, Adam 1e-3) on the CPU.

    torch_vae.py quality TRAIN TEST [--epochs 20] [--seed 1]     test ELBO, KL, reconstruction
    torch_vae.py speed [--threads 2] [--mode eager fused compile]  steps per second of each batch
                                                                   size that standard input names
"""
import argparse
import gzip
import struct
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def idx(path):
    with gzip.open(path, "rb") as f:
        _, _, _, rank = struct.unpack(">BBBB", f.read(4))
        shape = struct.unpack(">" + "I" * rank, f.read(4 * rank))
        return np.frombuffer(f.read(), np.uint8).reshape(shape[0], -1)


class Vae(torch.nn.Module):
    def __init__(self, p=784, h=500, d=20):
        super().__init__()
        self.e1, self.mu, self.sigma = (torch.nn.Linear(p, h), torch.nn.Linear(h, d),
                                        torch.nn.Linear(h, d))
        self.d1, self.d2 = torch.nn.Linear(d, h), torch.nn.Linear(h, p)

    def forward(self, x):
        h = torch.tanh(self.e1(x))
        mu, sigma = self.mu(h), F.softplus(self.sigma(h))
        z = mu + sigma * torch.randn_like(sigma)
        logits = self.d2(torch.tanh(self.d1(z)))
        rec = -F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * (mu * mu + sigma * sigma - 1 - 2 * torch.log(sigma)).sum()
        return rec / len(x), kl / len(x)


def make_step(model, optimizer):
    def step(x):
        optimizer.zero_grad(set_to_none=True)
        rec, kl = model(x)
        (kl - rec).backward()
        optimizer.step()
    return step


def quality(a):
    torch.manual_seed(a.seed)
    train, test = (torch.from_numpy(idx(f).astype(np.float32)) for f in (a.train, a.test))
    model = Vae()
    step = make_step(model, torch.optim.Adam(model.parameters(), 1e-3))
    for _ in range(a.epochs):
        order = torch.randperm(len(train))
        for i in range(0, len(train) - 99, 100):
            step(train[order[i:i + 100]])
    with torch.no_grad():
        parts = [model(test[i:i + 1000]) for i in range(0, len(test), 1000)]
    rec, kl = (float(sum(p[k] for p in parts) / len(parts)) for k in (0, 1))
    print(f"elbo {rec - kl:.2f} reconstruction {rec:.2f} kl {kl:.2f}")


def speed(a):
    """One line a batch and mode: BATCH MODE STEPS_PER_SECOND, the best window of steps."""
    torch.set_num_threads(a.threads)
    for batch in map(int, sys.stdin):
        x = (torch.rand(batch, 784) < 0.5).float()
        for mode in a.mode:
            torch.manual_seed(0)
            model = Vae()
            optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=mode != "eager" or None)
            forward = torch.compile(model, dynamic=False) if mode == "compile" else model
            step = make_step(forward, optimizer)
            rates = []
            for _ in range(a.windows):
                t = time.perf_counter()
                for _ in range(2000 // batch):
                    step(x)
                rates.append(2000 // batch / (time.perf_counter() - t))
            print(batch, "torch-" + mode, f"{max(rates):.2f}", flush=True)


def main():
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(required=True)
    q = sub.add_parser("quality")
    q.add_argument("train")
    q.add_argument("test")
    q.add_argument("--epochs", type=int, default=20)
    q.add_argument("--seed", type=int, default=1)
    q.set_defaults(run=quality)
    s = sub.add_parser("speed")
    s.add_argument("--threads", type=int, default=2)
    s.add_argument("--windows", type=int, default=20)
    s.add_argument("--mode", nargs="+", default=["fused", "compile"],
                   choices=["eager", "fused", "compile"])
    s.set_defaults(run=speed)
    a = p.parse_args()
    a.run(a)


main()
