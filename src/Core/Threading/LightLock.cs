using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Weir.Threading;

/// <summary>
/// A lock in two bytes of the object that it guards, for what every message passes through: where nobody else is there, entering
/// is one interlocked instruction and leaving a plain store. Not reentrant.
/// </summary>
/// <remarks>
/// <para>A monitor does the same by two calls into the runtime, 11 ns where this takes 1, and a received message passes eight of them
/// (LoopEchoBenchmarks). Who has to wait spins for as long as a message is copied, then sleeps on the monitor of the object.</para>
/// <para>Leaving stores that the lock is free and then looks for waiters; waiting says so and then looks whether the lock is free.
/// One of the two sees the other only if neither processor puts its look before its store. Who leaves does it a million
/// times a second, who waits hardly ever, so the fence for both is on the waiter's side: a barrier that
/// the system has every processor of the process pass (<see cref="Interlocked.MemoryBarrierProcessWide"/>).</para>
/// </remarks>
internal struct LightLock
{
    private byte _isHeld;
    private byte _isAwaited;

    /// <summary>Whether somebody holds it. For assertions, and for whoever only needs to see what was done before it was left.</summary>
    public readonly bool IsHeld => Volatile.Read(in _isHeld) != 0;

    /// <summary>Enters, and leaves with the end of the <c>using</c> statement.</summary>
    /// <param name="owner">The object that the lock lies in; its monitor must not be used for anything else.</param>
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
            // A waiter cannot know how many others there are, so it says again for itself what the last wake-up took back.
            while (true)
            {
                Volatile.Write(ref _isAwaited, 1);
                Interlocked.MemoryBarrierProcessWide();
                if (TryEnter())
                {
                    return; // the mark may be another's: one wake-up too many at the end
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

    /// <summary>Who holds the lock.</summary>
    public readonly ref struct Holder
    {
        private readonly ref LightLock _lock;
        private readonly object _owner;

        public Holder(ref LightLock taken, object owner)
        {
            _lock = ref taken;
            _owner = owner;
        }

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
