using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Weir.Threading;

/// <summary>
/// A lock in two bytes of the object that it guards, for code on the path of every message: uncontended, entering is one interlocked
/// instruction and leaving a plain store. Not reentrant. A mutable struct: keep it in a field that is not readonly.
/// </summary>
/// <remarks>
/// <para>A monitor does the same by two calls into the runtime, 11 ns where this takes 1, and a received message passes eight of
/// them (LoopEchoBenchmarks). A waiter spins for as long as a message is copied, then sleeps on the monitor of the object.</para>
/// <para>The leaver stores that the lock is free and then reads whether a thread waits; the waiter stores that it waits and then
/// reads whether the lock is free. One of the two sees the other only if neither processor moves its read before its store.
/// Leaving happens a million times a second, waiting hardly ever, so the fence for both is on the waiter's side: a barrier that
/// the system executes on every processor of the process (<see cref="Interlocked.MemoryBarrierProcessWide"/>).</para>
/// </remarks>
[Experimental("WEIR001")]
public struct LightLock
{
    private byte _isHeld;
    private byte _isAwaited;

    /// <summary>
    /// Whether the lock is held. For assertions, and for a reader that only needs the writes made before it was released.
    /// </summary>
    public readonly bool IsHeld => Volatile.Read(in _isHeld) != 0;

    /// <summary>Enters, waiting if the lock is held, and leaves with the end of the <c>using</c> statement.</summary>
    /// <param name="owner">The object that contains the lock in a field; its monitor must not be used otherwise.</param>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Holder Hold(object owner)
    {
        if (!TryEnter())
        {
            Wait(owner);
        }

        return new Holder(ref this, owner);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnter() => Interlocked.CompareExchange(ref _isHeld, 1, 0) == 0;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait(object owner)
    {
        const int Spins = 10;
        SpinWait spin = default;
        while (spin.Count < Spins && !spin.NextSpinWillYield)
        {
            spin.SpinOnce();
            if (TryEnter())
            {
                return;
            }
        }

        lock (owner)
        {
            // The number of other waiters is unknown, so each waiter sets again the mark that the last wake-up cleared.
            while (true)
            {
                Volatile.Write(ref _isAwaited, 1);
                Interlocked.MemoryBarrierProcessWide();
                if (TryEnter())
                {
                    return; // the mark may be another waiter's: one needless wake-up at the end
                }

                Monitor.Wait(owner);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wake(object owner)
    {
        lock (owner)
        {
            _isAwaited = 0;
            Monitor.PulseAll(owner);
        }
    }

    /// <summary>Holds the lock until disposed.</summary>
    public readonly ref struct Holder
    {
        private readonly ref LightLock _lock;
        private readonly object _owner;

        internal Holder(ref LightLock taken, object owner)
        {
            _lock = ref taken;
            _owner = owner;
        }

        /// <summary>Leaves the lock, and wakes its waiters. Called once.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose()
        {
            Volatile.Write(ref _lock._isHeld, 0);
            if (Volatile.Read(ref _lock._isAwaited) != 0)
            {
                _lock.Wake(_owner);
            }
        }
    }
}
