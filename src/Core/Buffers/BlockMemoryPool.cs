using System.Buffers;
using System.Diagnostics;

namespace Weir.Buffers;

/// <summary>
/// The memory behind the transport's pipes: pinned blocks, larger than Kestrel's own 4 KiB, the last one returned lent first.
/// </summary>
/// <remarks>
/// <para>Reasons against Kestrel's pool: a socket is read one block at a time, so 4 KiB blocks cost a 16 KiB message five system
/// calls and as many passes; and its pool lends the block that was used longest ago, the coldest in the cache. Blocks of 16 KiB,
/// warm ones first, were measured to echo 16 KiB messages with 0.6 times the CPU and no worse at 20 bytes
/// (docs/internals/benchmarks.md). An untouched page of a block costs no memory.</para>
/// <para>Threading: one stack per core, each behind its own lock. Rents and returns happen on different threads, so a core whose
/// stack is empty tries the others' before it allocates a block.</para>
/// <para>Trimming: every <see cref="TrimInterval"/> each stack releases half of the blocks that were unused since the last trim,
/// down to none: an idle server keeps no block, and the timer stops with the last block.</para>
/// </remarks>
internal sealed class BlockMemoryPool : MemoryPool<byte>
{
    public static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(10);

    private readonly Stack[] _stacks;
    private readonly ITimer _trimTimer;
    private int _isTrimming;
    private volatile bool _isDisposed;

    /// <param name="blockBytes">The size of every block.</param>
    /// <param name="time">Drives the trimming.</param>
    public BlockMemoryPool(int blockBytes, TimeProvider time)
    {
        MaxBufferSize = blockBytes;
        _stacks = new Stack[Environment.ProcessorCount];
        for (int i = 0; i < _stacks.Length; i++)
        {
            _stacks[i] = new Stack();
        }

        _trimTimer = time.CreateTimer(
            static pool => ((BlockMemoryPool)pool!).Trim(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public override int MaxBufferSize { get; }

    /// <summary>Blocks in the pool.</summary>
    public int IdleBlocks => _stacks.Sum(static stack => stack.Count);

    /// <summary>Rents a block of <see cref="MaxBufferSize"/> bytes, whatever smaller size is requested.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More than a block is requested.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, MaxBufferSize);
        int first = Thread.GetCurrentProcessorId() % _stacks.Length;
        for (int i = 0; i < _stacks.Length; i++)
        {
            if (_stacks[(first + i) % _stacks.Length].TryPop(out Block? block))
            {
                return block;
            }
        }

        return new Block(this, MaxBufferSize);
    }

    /// <summary>Releases the blocks in the pool; lent ones are released when they are returned.</summary>
    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        _trimTimer.Dispose();
        foreach (Stack stack in _stacks)
        {
            stack.Clear();
        }
    }

    internal void Return(Block block)
    {
        if (_isDisposed)
        {
            return; // left to the garbage collector
        }

        _stacks[Thread.GetCurrentProcessorId() % _stacks.Length].Push(block);
        if (Volatile.Read(ref _isTrimming) == 0 && Interlocked.Exchange(ref _isTrimming, 1) == 0)
        {
            _trimTimer.Change(TrimInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private void Trim()
    {
        bool isEmpty = true;
        foreach (Stack stack in _stacks)
        {
            isEmpty &= stack.Trim();
        }

        if (!isEmpty)
        {
            _trimTimer.Change(TrimInterval, Timeout.InfiniteTimeSpan);
            return;
        }

        // A block returned between the check and this line has seen the flag and not started the timer.
        Volatile.Write(ref _isTrimming, 0);
        if (IdleBlocks > 0 && Interlocked.Exchange(ref _isTrimming, 1) == 0)
        {
            _trimTimer.Change(TrimInterval, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class Stack
    {
        private readonly Lock _gate = new();
        private Block?[] _blocks = new Block?[16];
        private int _count;

        // The fewest since the last trim: that many were unused.
        private int _fewest;

        public int Count => Volatile.Read(ref _count);

        public void Push(Block block)
        {
            lock (_gate)
            {
                if (_count == _blocks.Length)
                {
                    Array.Resize(ref _blocks, _count * 2);
                }

                _blocks[_count++] = block;
            }
        }

        public bool TryPop([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Block? block)
        {
            block = null;
            if (Count == 0)
            {
                return false; // a hint is enough: at worst a new block is allocated
            }

            lock (_gate)
            {
                if (_count > 0)
                {
                    block = _blocks[--_count]!;
                    _blocks[_count] = null;
                    _fewest = Math.Min(_fewest, _count);
                }
            }

            return block is not null;
        }

        /// <summary>Returns whether the stack is empty.</summary>
        public bool Trim()
        {
            lock (_gate)
            {
                Debug.Assert(_fewest <= _count, "The minimum cannot exceed the count");
                int drop = (_fewest + 1) / 2;
                Array.Clear(_blocks, _count - drop, drop);
                _count -= drop;
                _fewest = _count;
                return _count == 0;
            }
        }

        public void Clear()
        {
            lock (_gate)
            {
                Array.Clear(_blocks);
                _count = 0;
                _fewest = 0;
            }
        }
    }
}
