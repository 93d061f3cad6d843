using FastEndpoints;
using Profiles.Data;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

sealed class PatchMeMapper : Mapper<PatchMeRequest, PatchMeResponse, User>
{
    public override User UpdateEntity(PatchMeRequest r, User e)
    {
        r.ApplyTo(e);
        if (r.Has(nameof(r.Metadata)))
            e.Profile.Metadata = MetadataText.Merge(e.Profile.Metadata, r.Metadata);
        return e;
    }
}
