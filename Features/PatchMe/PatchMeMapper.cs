using FastEndpoints;
using Profiles.Data;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.PatchMe;

sealed class PatchMeMapper : Mapper<PatchMeRequest, PatchMeResponse, User>
{
    public override User UpdateEntity(PatchMeRequest r, User e)
    {
        r.ApplyTo(e);
        e.Profile.Metadata = r.Metadata.Or(e.Profile.Metadata, patch => MetadataText.Merge(e.Profile.Metadata, patch));
        return e;
    }
}
