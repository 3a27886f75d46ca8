using System.Buffers;
using System.Collections;
using System.Net;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Weir.Threading;

namespace Weir.Transports.Epoll;

/// <summary>
/// The connection as the collection of its own features, so that an idle one needs no other object for them.
/// </summary>
/// <remarks>
/// The object that runs the connection sets itself under several interfaces: the first object set is kept in one field and found
/// by the interfaces it implements. Any other goes to an ordinary collection, which takes precedence in look-ups.
/// </remarks>
internal sealed partial class EpollConnection : IFeatureCollection, IConnectionIdFeature, IConnectionTransportFeature,
    IConnectionItemsFeature, IMemoryPoolFeature, IConnectionLifetimeFeature, IConnectionEndPointFeature
{
    private object? _runner;

    public override IFeatureCollection Features => this;

    bool IFeatureCollection.IsReadOnly => false;

    int IFeatureCollection.Revision => _rare?.Features?.Revision ?? 0;

    MemoryPool<byte> IMemoryPoolFeature.MemoryPool => _acceptor.Transport.Memory;

    object? IFeatureCollection.this[Type key]
    {
        get
        {
            if (_rare?.Features?[key] is { } set)
            {
                return set;
            }

            return key.IsInstanceOfType(this) ? this : key.IsInstanceOfType(_runner) ? _runner : null;
        }

        set => Set(key, value);
    }

    TFeature? IFeatureCollection.Get<TFeature>()
        where TFeature : default
    {
        if (_rare?.Features is { } features && features.Get<TFeature>() is { } set)
        {
            return set;
        }

        return this is TFeature own ? own : _runner is TFeature runner ? runner : default;
    }

    void IFeatureCollection.Set<TFeature>(TFeature? instance)
        where TFeature : default
        => Set(typeof(TFeature), instance);

    IEnumerator<KeyValuePair<Type, object>> IEnumerable<KeyValuePair<Type, object>>.GetEnumerator()
        => (_rare?.Features ?? Enumerable.Empty<KeyValuePair<Type, object>>()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<KeyValuePair<Type, object>>)this).GetEnumerator();

    private void Set(Type key, object? value)
    {
        if (value is not null && (_runner is null || ReferenceEquals(_runner, value))
            && _rare?.Features is null && !key.IsInstanceOfType(this))
        {
            _runner = value;
            return;
        }

        Rare rare = MakeRare();
        rare.Features ??= new FeatureCollection();
        rare.Features[key] = value;
    }

    private Rare MakeRare() => _rare ?? Interlocked.CompareExchange(ref _rare, new Rare(), null) ?? _rare;

    /// <summary>State that few connections need.</summary>
    private sealed class Rare
    {
        /// <summary>Guards <see cref="Closed"/>.</summary>
        public LightLock Gate;

        public FeatureCollection? Features { get; set; }

        public IDictionary<object, object?>? Items { get; set; }

        public CancellationTokenSource? Closed { get; set; }

        public CancellationToken? ClosedOverride { get; set; }

        public bool HasRemote { get; private set; }

        public EndPoint? Remote { get; private set; }

        public bool HasLocal { get; private set; }

        public EndPoint? Local { get; private set; }

        public void SetRemote(EndPoint? endPoint)
        {
            Remote = endPoint;
            HasRemote = true;
        }

        public void SetLocal(EndPoint? endPoint)
        {
            Local = endPoint;
            HasLocal = true;
        }
    }
}
