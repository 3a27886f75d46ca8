using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Weir.Threading;

/// <summary>
/// A lock in four bytes of the object that it guards, for what every message passes through: where nobody else is there, entering
/// is one interlocked instruction and leaving another. Not reentrant.
/// </summary>
/// <remarks>
/// A monitor does the same by two calls into the runtime, 11 ns where this takes 2, and a received message passes ten of them
/// (LoopEchoBenchmarks). Who has to wait spins for as long as a message is copied, then sleeps on the monitor of the object.
/// </remarks>
internal struct LightLock
{
    private const int Free = 0;
    private const int Held = 1;
    private const int HeldAndAwaited = 2;

    private int _state;

    /// <summary>Whether somebody holds it. For assertions.</summary>
    public readonly bool IsHeld => _state != Free;

    /// <summary>Enters, and leaves with the end of the <c>using</c> statement.</summary>
    /// <param name="owner">The object that the lock lies in; its monitor must not be used for anything else.</param>
    [UnscopedRef]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Holder Hold(object owner)
    {
        if (Interlocked.CompareExchange(ref _state, Held, Free) != Free)
        {
            Wait(owner);
        }

        return new Holder(ref this, owner);
    }

    // A waiter cannot know how many others there are, so it leaves the mark of one behind: one wake-up too many at the end.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait(object owner)
    {
        const int Spins = 10;
        SpinWait spin = default;
        while (spin.Count < Spins && !spin.NextSpinWillYield)
        {
            spin.SpinOnce();
            if (Interlocked.CompareExchange(ref _state, Held, Free) == Free)
            {
                return;
            }
        }

        lock (owner)
        {
            while (Interlocked.Exchange(ref _state, HeldAndAwaited) != Free)
            {
                Monitor.Wait(owner);
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Wake(object owner)
    {
        lock (owner)
        {
            Monitor.Pulse(owner);
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
            if (Interlocked.Exchange(ref _lock._state, Free) == HeldAndAwaited)
            {
                Wake(_owner);
            }
        }
    }
}
